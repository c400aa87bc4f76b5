package dev.openlora.settlement.chain.contract;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.List;
import javax.annotation.processing.Generated;
import org.web3j.abi.TypeReference;
import org.web3j.abi.datatypes.Bool;
import org.web3j.abi.datatypes.Function;
import org.web3j.abi.datatypes.Type;
import org.web3j.abi.datatypes.generated.Uint256;
import org.web3j.crypto.Credentials;
import org.web3j.protocol.Web3j;
import org.web3j.protocol.core.RemoteCall;
import org.web3j.protocol.core.RemoteFunctionCall;
import org.web3j.tx.Contract;
import org.web3j.tx.TransactionManager;
import org.web3j.tx.gas.ContractGasProvider;

/**
 * <p>Auto generated code.
 * <p><strong>Do not modify!</strong>
 * <p>Please use the <a href="https://docs.web3j.io/command_line.html">web3j command line tools</a>,
 * or the org.web3j.codegen.SolidityFunctionWrapperGenerator in the 
 * <a href="https://github.com/LFDT-web3j/web3j/tree/main/codegen">codegen module</a> to update.
 *
 * <p>Generated with web3j version 5.0.2.
 */
@SuppressWarnings("rawtypes")
@Generated("org.web3j.codegen.SolidityFunctionWrapperGenerator")
public class MockGasPriceOracle extends Contract {
    public static final String BINARY = "6080806040523460155761016f908161001a8239f35b5f80fdfe60806040526004361015610011575f80fd5b5f3560e01c8063105d0b8114610154578063275aedd21461013957806349948e0e146100bb578063960e3a23146100b6578063b54501bc146100b65763f1c7a58b1461005b575f80fd5b346100b25760203660031901126100b2576004356044810180911161009e57633b9aca00810290808204633b9aca00149015171561009e57602090604051908152f35b634e487b7160e01b5f52601160045260245ffd5b5f80fd5b610154565b346100b25760203660031901126100b25760043567ffffffffffffffff81116100b257366023820112156100b25780600401359067ffffffffffffffff82116100b25760248236920101116100b2576044810180911161009e57633b9aca00810290808204633b9aca00149015171561009e57602090604051908152f35b346100b25760203660031901126100b25760206040515f8152f35b346100b2575f3660031901126100b257602060405160018152f3";

    private static String librariesLinkedBinary;

    public static final String FUNC_GETL1FEE = "getL1Fee";

    public static final String FUNC_GETL1FEEUPPERBOUND = "getL1FeeUpperBound";

    public static final String FUNC_GETOPERATORFEE = "getOperatorFee";

    public static final String FUNC_ISFJORD = "isFjord";

    public static final String FUNC_ISISTHMUS = "isIsthmus";

    public static final String FUNC_ISJOVIAN = "isJovian";

    @Deprecated
    protected MockGasPriceOracle(String contractAddress, Web3j web3j, Credentials credentials,
            BigInteger gasPrice, BigInteger gasLimit) {
        super(BINARY, contractAddress, web3j, credentials, gasPrice, gasLimit);
    }

    protected MockGasPriceOracle(String contractAddress, Web3j web3j, Credentials credentials,
            ContractGasProvider contractGasProvider) {
        super(BINARY, contractAddress, web3j, credentials, contractGasProvider);
    }

    @Deprecated
    protected MockGasPriceOracle(String contractAddress, Web3j web3j,
            TransactionManager transactionManager, BigInteger gasPrice, BigInteger gasLimit) {
        super(BINARY, contractAddress, web3j, transactionManager, gasPrice, gasLimit);
    }

    protected MockGasPriceOracle(String contractAddress, Web3j web3j,
            TransactionManager transactionManager, ContractGasProvider contractGasProvider) {
        super(BINARY, contractAddress, web3j, transactionManager, contractGasProvider);
    }

    public RemoteFunctionCall<BigInteger> getL1Fee(byte[] unsignedTx) {
        final Function function = new Function(FUNC_GETL1FEE, 
                Arrays.<Type>asList(new org.web3j.abi.datatypes.DynamicBytes(unsignedTx)), 
                Arrays.<TypeReference<?>>asList(new TypeReference<Uint256>() {}));
        return executeRemoteCallSingleValueReturn(function, BigInteger.class);
    }

    public RemoteFunctionCall<BigInteger> getL1FeeUpperBound(BigInteger unsignedTxSize) {
        final Function function = new Function(FUNC_GETL1FEEUPPERBOUND, 
                Arrays.<Type>asList(new org.web3j.abi.datatypes.generated.Uint256(unsignedTxSize)), 
                Arrays.<TypeReference<?>>asList(new TypeReference<Uint256>() {}));
        return executeRemoteCallSingleValueReturn(function, BigInteger.class);
    }

    public RemoteFunctionCall<BigInteger> getOperatorFee(BigInteger param0) {
        final Function function = new Function(FUNC_GETOPERATORFEE, 
                Arrays.<Type>asList(new org.web3j.abi.datatypes.generated.Uint256(param0)), 
                Arrays.<TypeReference<?>>asList(new TypeReference<Uint256>() {}));
        return executeRemoteCallSingleValueReturn(function, BigInteger.class);
    }

    public RemoteFunctionCall<Boolean> isFjord() {
        final Function function = new Function(FUNC_ISFJORD, 
                Arrays.<Type>asList(), 
                Arrays.<TypeReference<?>>asList(new TypeReference<Bool>() {}));
        return executeRemoteCallSingleValueReturn(function, Boolean.class);
    }

    public RemoteFunctionCall<Boolean> isIsthmus() {
        final Function function = new Function(FUNC_ISISTHMUS, 
                Arrays.<Type>asList(), 
                Arrays.<TypeReference<?>>asList(new TypeReference<Bool>() {}));
        return executeRemoteCallSingleValueReturn(function, Boolean.class);
    }

    public RemoteFunctionCall<Boolean> isJovian() {
        final Function function = new Function(FUNC_ISJOVIAN, 
                Arrays.<Type>asList(), 
                Arrays.<TypeReference<?>>asList(new TypeReference<Bool>() {}));
        return executeRemoteCallSingleValueReturn(function, Boolean.class);
    }

    @Deprecated
    public static MockGasPriceOracle load(String contractAddress, Web3j web3j,
            Credentials credentials, BigInteger gasPrice, BigInteger gasLimit) {
        return new MockGasPriceOracle(contractAddress, web3j, credentials, gasPrice, gasLimit);
    }

    @Deprecated
    public static MockGasPriceOracle load(String contractAddress, Web3j web3j,
            TransactionManager transactionManager, BigInteger gasPrice, BigInteger gasLimit) {
        return new MockGasPriceOracle(contractAddress, web3j, transactionManager, gasPrice, gasLimit);
    }

    public static MockGasPriceOracle load(String contractAddress, Web3j web3j,
            Credentials credentials, ContractGasProvider contractGasProvider) {
        return new MockGasPriceOracle(contractAddress, web3j, credentials, contractGasProvider);
    }

    public static MockGasPriceOracle load(String contractAddress, Web3j web3j,
            TransactionManager transactionManager, ContractGasProvider contractGasProvider) {
        return new MockGasPriceOracle(contractAddress, web3j, transactionManager, contractGasProvider);
    }

    public static RemoteCall<MockGasPriceOracle> deploy(Web3j web3j, Credentials credentials,
            ContractGasProvider contractGasProvider) {
        return deployRemoteCall(MockGasPriceOracle.class, web3j, credentials, contractGasProvider, getDeploymentBinary(), "");
    }

    @Deprecated
    public static RemoteCall<MockGasPriceOracle> deploy(Web3j web3j, Credentials credentials,
            BigInteger gasPrice, BigInteger gasLimit) {
        return deployRemoteCall(MockGasPriceOracle.class, web3j, credentials, gasPrice, gasLimit, getDeploymentBinary(), "");
    }

    public static RemoteCall<MockGasPriceOracle> deploy(Web3j web3j,
            TransactionManager transactionManager, ContractGasProvider contractGasProvider) {
        return deployRemoteCall(MockGasPriceOracle.class, web3j, transactionManager, contractGasProvider, getDeploymentBinary(), "");
    }

    @Deprecated
    public static RemoteCall<MockGasPriceOracle> deploy(Web3j web3j,
            TransactionManager transactionManager, BigInteger gasPrice, BigInteger gasLimit) {
        return deployRemoteCall(MockGasPriceOracle.class, web3j, transactionManager, gasPrice, gasLimit, getDeploymentBinary(), "");
    }

    public static void linkLibraries(List<Contract.LinkReference> references) {
        librariesLinkedBinary = linkBinaryWithReferences(BINARY, references);
    }

    private static String getDeploymentBinary() {
        if (librariesLinkedBinary != null) {
            return librariesLinkedBinary;
        } else {
            return BINARY;
        }
    }
}
